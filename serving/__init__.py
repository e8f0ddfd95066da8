"""Request time: the agent, its tools, the models it talks to. No server, gateway or recorder yet."""
