import "./main.css";
import { greeting } from "./greeting";

document.querySelector("h1")!.textContent = greeting(new Date());
