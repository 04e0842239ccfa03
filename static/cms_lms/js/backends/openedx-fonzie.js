/** Open edX with the plugin Fonzie, which knows the learner's full name. */
import OpenEdXHawthornBackend from "./openedx-hawthorn.js";

export default class OpenEdXFonzieBackend extends OpenEdXHawthornBackend {
  /** @override */
  whoamiPath = "/api/v1.0/user/me";
}
