"""The table of `acetate bench`: each line with its peer or limit, today's figure, its goal and a verdict."""
