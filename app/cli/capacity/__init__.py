"""Read and write units: plan, report, set, autoscale."""
