# Files of scripts/ that are installed or distributed.
