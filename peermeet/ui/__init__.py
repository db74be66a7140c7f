"""What people see: the pages in Python, their state, and the panels and controls that come through the seam."""
