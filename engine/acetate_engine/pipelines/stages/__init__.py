"""What every run goes through, in order; files are named as diffusers names the stages."""
