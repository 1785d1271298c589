"""`python3 -m slvm_data` is `slvm-data`."""

from slvm_data.cli import main

if __name__ == "__main__":
    main()
