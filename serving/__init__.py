"""Request time: model clients, agent loop, tools, gateway. Holds no code yet."""
