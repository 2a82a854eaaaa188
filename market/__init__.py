"""Ground floor: the words every room uses. Imports nothing of the house."""
