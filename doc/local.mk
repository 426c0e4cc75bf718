# Files of doc/, which are installed into the documentation folder.
dist_doc_DATA += doc/device-in-100-lines.md doc/troubleshooting.md doc/tutorial.md
