"""What users pay beside a send to plain receivers, with what each row may cost at most."""
