"""What the language knows about Flow itself: its tasks, and the types behind its paths."""
