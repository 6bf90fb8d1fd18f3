/** Attributes that belong to the user, not to the server. */
const OWN = new Set(['open']);

/**
 * Makes a node equal to a newly loaded one and keeps what is equal, so that focus, selection and
 * scroll positions stay. The children of charts are drawn here and are left alone.
 * @param {Node} old
 * @param {Node} fresh
 */
export function morph(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) {
    old.parentNode?.replaceChild(document.adoptNode(fresh), old);
    return;
  }
  if (!(old instanceof Element)) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  morphAttributes(old, /** @type {Element} */ (fresh));
  if (!old.hasAttribute('data-chart')) morphChildren(old, fresh);
}

function morphAttributes(old, fresh) {
  for (const { name, value } of [...fresh.attributes]) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !OWN.has(name)) old.removeAttribute(name);
  }
}

function morphChildren(old, fresh) {
  const before = [...old.childNodes];
  const after = [...fresh.childNodes];
  after.forEach((child, i) => {
    if (before[i]) morph(before[i], child);
    else old.append(document.adoptNode(child));
  });
  before.slice(after.length).forEach((child) => child.remove());
}
