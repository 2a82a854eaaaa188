"""Settlement designs as tables of rules, small enough to look at every state they can reach."""
