"""Measures kimnode against named references: `python -m benchmarks` or `make bench`.

Only ratios and counts travel between machines. Times of two runs are not comparable, times of one
run are: ours and the reference take turns.
"""
