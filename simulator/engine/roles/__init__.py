"""Types that the engine runs itself: one module per role (a flowable's `role` names it)."""
