"""Bytes <-> values. Pure: no I/O, no clock, no randomness. SPEC.md beside this file is the law."""
