"""The commands of `heliograph`, one file each; `heliograph.cli.commands` gathers them."""
