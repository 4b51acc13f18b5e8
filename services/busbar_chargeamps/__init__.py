"""The Charge Amps scheduler: cheap hours or the plan of another HEMS, kept in the maker's cloud."""
