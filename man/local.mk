# Files of man/ that are installed or distributed.
