"""The ceremonies of keys: who makes, signs, carries and takes back what (`kimnode keys`)."""
