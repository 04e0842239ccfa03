/** Open edX Dogwood and Eucalyptus, where the mobile API alone says who is logged in; all else is as later. */
import OpenEdXHawthornBackend from "./openedx-hawthorn.js";

export default class OpenEdXDogwoodBackend extends OpenEdXHawthornBackend {
  /** @override */
  whoamiPath = "/api/mobile/v0.5/my_user_info";
}
