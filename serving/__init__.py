"""Request time: the agent, its tools, the models it talks to, the server and its recorder. No gateway yet."""
