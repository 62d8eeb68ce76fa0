"""The pages of the staff: the day, the case, the call, booking for others, absences, planning."""
