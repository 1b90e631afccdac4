"""The commands reports and audit, and the log of reads that commands write before they show messages."""
