import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/page.css";
import "./styles/experiment.css";
import "./styles/health.css";
import "./styles/dialog.css";
import { startClock } from "./clock.ts";
import { connect } from "./stream.ts";
import { App } from "./ui/app.tsx";

const host = document.getElementById("app");
if (host) {
  connect();
  startClock();
  render(<App />, host);
}
