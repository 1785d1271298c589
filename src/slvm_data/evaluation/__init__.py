"""Evaluation: a forecast in a file against the sequences of a dataset, as a report with intervals."""

from slvm_data.evaluation.report import Report as Report
from slvm_data.evaluation.scoring import evaluate as evaluate
