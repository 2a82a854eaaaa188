"""What happens around a settlement, the same for every design: before, when it fails, after."""
