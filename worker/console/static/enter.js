// A link from a mail or another site comes without our cookie (SameSite=Strict). Asked by our own page, it comes along:
// whoever has it already is let in.
const here = location.pathname;
fetch(here, { method: "HEAD", cache: "no-store" }).then((answer) => {
  if (answer.ok) location.replace(here);
}, () => {});
