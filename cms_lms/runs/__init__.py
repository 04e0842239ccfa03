"""What a course run is at a moment: pure functions of dates and plain values, which know no model and no clock."""
