"""What the program says about itself, for its operator.

``logging``  the structured log file: correlation ids, no secret, nothing on the terminal
"""
