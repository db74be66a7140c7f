"""What people see: three pages in Python, their state, and the panels and controls that come through the seam."""
