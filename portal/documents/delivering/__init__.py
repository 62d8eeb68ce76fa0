"""From the issued file to the hand of the citizen, each way followed to its end."""
