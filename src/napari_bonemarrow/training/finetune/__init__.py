"""Fine-tuning from reviewed cases: data, snapshot, comparison and outcome."""
