"""The executors of this repository, one file each."""
