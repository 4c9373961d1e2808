"""Lets a watcher attach to the processes of a running application, privately."""
