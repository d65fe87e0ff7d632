"""Fine-tuning from reviewed cases: what is learnt from, what is kept, what it leaves."""
