"""What a meeting is: commands in, events out. No I/O, no clock, no chance, no framework."""
