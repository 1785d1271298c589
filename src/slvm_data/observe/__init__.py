"""How a scene is observed: view, camera, windows, drawing."""
