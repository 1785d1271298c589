"""How a scene is seen: view, camera, windows, drawing."""
