"""Methods: networks with three verbs, forward, losses and decode."""
