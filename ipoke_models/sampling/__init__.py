"""From a residual to a clip: what variants are drawn from, how codes are held to their pokes, how pokes are written."""
