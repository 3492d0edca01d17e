"""From a sync to one SELECT and the run spec that the core is handed."""
