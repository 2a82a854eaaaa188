"""Three kinds of money behind one interface."""
