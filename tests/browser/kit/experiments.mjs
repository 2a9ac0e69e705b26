// The questions that the tests' site asks: one of each kind, with windows as short as a test.

export const EXPERIMENTS = `
[[experiment]]
key = "hero"
control = "calm"
variants = [{ key = "calm", value = "Welcome" }, { key = "bold", value = "Save 20 % today" }, { key = "kind", value = "Good to see you" }]
policy = { kind = "contextual", attributes = ["device", "country"] }
metric = { event = "signup", window = "10s" }
results_every = "5s"

[[experiment]]
key = "badge"
control = "none"
variants = [{ key = "none", value = "" }, { key = "percent", value = "10 % off" }]
policy = { kind = "thompson", segments = ["device"] }
metric = { event = "purchase", value = "sum", cap = 500.0, currency = "EUR", window = "10s", from = "server" }
results_every = "5s"

[[experiment]]
key = "checkout"
control = "green"
variants = [{ key = "green", value = { colour = "green" } }, { key = "black", value = { colour = "black" } }]
policy = { kind = "fixed", weights = { green = 0.5, black = 0.5 } }
metric = { event = "purchase", window = "10s" }
results_every = "5s"

[[experiment]]
key = "plan"
unit = "account"
control = "old"
variants = [{ key = "old", value = "Three plans" }, { key = "new", value = "One plan" }]
policy = { kind = "fixed", weights = { old = 0.5, new = 0.5 } }
metric = { event = "upgrade", window = "10s" }
`;
