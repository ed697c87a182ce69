/**
 * The content security policy lets nothing style the page but files of this server and elements that carry the nonce of
 * this page, and lets no string become markup. Two libraries make style elements: react-remove-scroll, which asks for the
 * nonce by webpack's name for it, and Radix's Select, which gets it as a property and sets its text as markup.
 */
export const styleNonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';

declare global {
  var __webpack_nonce__: string | undefined;
}
globalThis.__webpack_nonce__ = styleNonce;

/** The one text that becomes markup; a new version of the library may have another, which a test would notice. */
const SELECT_STYLE =
  '[data-radix-select-viewport]{scrollbar-width:none;-ms-overflow-style:none;-webkit-overflow-scrolling:touch;}[data-radix-select-viewport]::-webkit-scrollbar{display:none}';

type Policies = {
  createPolicy(name: string, rules: { createHTML: (text: string) => string | null }): unknown;
};
const { trustedTypes } = window as { trustedTypes?: Policies };
trustedTypes?.createPolicy('default', {
  // `null` refuses: the browser throws, and nothing is written.
  createHTML: (text) => (text === SELECT_STYLE ? text : null),
});
