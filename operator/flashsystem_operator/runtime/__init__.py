"""The process around the controller, and the only use of kopf: its watches, which pass on what they see."""
