/* A button that opens a small list of others. The browser keeps it above everything, closes it when one presses
   Escape or elsewhere, and tells who cannot see it; where it stands is for us to say. */
import { createContext, useContext, useEffect, useId, useRef, useState } from "react";

const Opened = createContext({ id: "", button: null, open: false, setOpen: () => {} });
const EDGE = 8; // pixels to the window's edge, and to the button

export function Menu({ children, ...rest }) {
  const id = useId();
  const button = useRef(null);
  const [open, setOpen] = useState(false);
  return <Opened.Provider value={{ id, button, open, setOpen }}><div {...rest}>{children}</div></Opened.Provider>;
}

export function MenuButton({ children, ...rest }) {
  const { id, button, open } = useContext(Opened);
  return (
    <button type="button" {...rest} ref={button} popoverTarget={id} aria-haspopup="true" aria-expanded={open}>
      {children}
    </button>
  );
}

export function MenuItems({ children, ...rest }) {
  const { id, button, open, setOpen } = useContext(Opened);
  const element = useRef(null);
  const place = () => {
    const list = element.current;
    if (!list || !button.current) return;
    const [from, { offsetWidth: width, offsetHeight: height }] = [button.current.getBoundingClientRect(), list];
    const above = from.bottom + EDGE + height > window.innerHeight;
    const left = Math.min(Math.max(EDGE, from.right - width), window.innerWidth - width - EDGE);
    const top = above ? from.top - EDGE - height : from.bottom + EDGE;
    Object.assign(list.style, { left: `${Math.max(EDGE, left)}px`, top: `${Math.max(EDGE, top)}px`, opacity: 1 });
  };
  useEffect(() => {
    if (!open) {
      element.current.style.opacity = 0; // until it has its place
      return undefined;
    }
    place();
    element.current.querySelector("button:not(:disabled)")?.focus();
    window.addEventListener("resize", place);
    return () => window.removeEventListener("resize", place);
  }, [open]);
  const move = (event) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const all = [...element.current.querySelectorAll("button:not(:disabled)")];
    if (!step || !all.length) return;
    event.preventDefault();
    all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
  };
  const choose = (event) => { if (event.target.closest("button")) element.current.hidePopover(); };
  return (
    <div {...rest} ref={element} id={id} popover="auto" role="group" onKeyDown={move} onClick={choose}
      onToggle={(event) => setOpen(event.newState === "open")}>
      {children}
    </div>
  );
}
