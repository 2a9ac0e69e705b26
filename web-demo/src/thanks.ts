/** After the order: the cart is empty again. */

import { emptyCart } from "./cart.ts";
import { find } from "./dom.ts";
import { showBasket, startFrame } from "./frame.ts";

emptyCart(sessionStorage);
startFrame();
showBasket();
find("[data-test=order]").textContent = new URL(location.href).searchParams.get("order") ?? "";
