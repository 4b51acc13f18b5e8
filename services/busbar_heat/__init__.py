"""Hot water tanks, rooms, heat pumps: comfort kept, surplus stored, never above the maximum."""
