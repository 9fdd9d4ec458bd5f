"""kopf, and nothing of it anywhere else: watches that hand on what they see, and the life around them."""
