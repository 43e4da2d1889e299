"""What is allowed, what it means, what to do next. Pure: time and chance are arguments."""
