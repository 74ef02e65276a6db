"""What a model can do, in numbers: `acetate eval`. Each file measures one group of the JSON report."""
