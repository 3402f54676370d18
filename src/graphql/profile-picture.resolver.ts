// Uploading and deleting one's own profile picture.
import { Arg, Ctx, Directive, ID, Mutation, Resolver } from "type-graphql";

import { parseId } from "../domain/ids.ts";
import { checkCrop, type PictureFilter as PictureFilterName } from "../domain/look.ts";
import { ownUserId } from "../services/own-user-id.ts";
import { DELETED_MESSAGE, RESTORED_MESSAGE, UPDATED_MESSAGE } from "../services/profile-picture-service.ts";
import { forgetLoaded, requireUser, type RequestContext } from "./context.ts";
import { readFileUpload, UploadScalar } from "./file-upload.ts";
import { CropInput } from "./media.type.ts";
import { PictureFilter } from "./picture-enums.ts";
import { ProfilePicturePayload } from "./profile-picture.type.ts";
import { toMediaType, toUserType } from "./to-type.ts";
import type { IncomingUpload } from "./upload-form.ts";

const ownerDescription =
  "Whose picture: the signed-in user's, which is the default. Another user's is FORBIDDEN.";

@Resolver()
export class ProfilePictureResolver {
  @Mutation(() => ProfilePicturePayload, {
    description:
      "Replaces one's own profile picture by a JPG, PNG or GIF of up to 800 KB (819,200 bytes). Metadata such as " +
      "the place where it was taken is removed. The picture before it is deleted. Needs a token.",
  })
  @Directive("@rateLimit(limit: 5, duration: 60)")
  async uploadProfilePicture(
    @Arg("file", () => UploadScalar, {
      description: "The file, sent as the GraphQL multipart request specification says.",
    })
    upload: Promise<IncomingUpload>,
    @Arg("userId", () => ID, { nullable: true, description: ownerDescription }) userId: string | null,
    @Arg("crop", () => CropInput, {
      nullable: true,
      description:
        "Which part is seen in squares and the thumbnail. Without it, squares show what draws the eye.",
    })
    crop: CropInput | null,
    @Arg("filter", () => PictureFilter, { nullable: true, description: "For squares and the thumbnail." })
    filter: PictureFilterName | null,
    @Ctx() context: RequestContext,
  ): Promise<ProfilePicturePayload> {
    const { services } = context;
    const ownId = ownUserId(requireUser(context), userId);
    const look = { crop: crop ? checkCrop(crop) : null, filter: filter ?? null };
    const { user, media } = await services.profilePictures.upload(ownId, {
      read: (share) => readFileUpload(upload, look, share),
    });
    forgetLoaded(context);
    return {
      success: true,
      message: UPDATED_MESSAGE,
      user: toUserType(user),
      media: toMediaType(media, services.urls),
    };
  }

  @Mutation(() => ProfilePicturePayload, {
    description:
      "Deletes one's own profile picture. From now on nobody sees it. NO_PROFILE_PICTURE without one. Needs a token.",
  })
  async deleteProfilePicture(
    @Arg("userId", () => ID, { nullable: true, description: ownerDescription }) userId: string | null,
    @Ctx() context: RequestContext,
  ): Promise<ProfilePicturePayload> {
    const user = await context.services.profilePictures.delete(ownUserId(requireUser(context), userId));
    forgetLoaded(context);
    return { success: true, message: DELETED_MESSAGE, user: toUserType(user), media: null };
  }

  @Mutation(() => ProfilePicturePayload, {
    description:
      "Makes a deleted or replaced picture of one's own the profile picture again, as long as its bytes are kept. The " +
      "picture before it is deleted. MEDIA_NOT_FOUND when there is none to restore. Needs a token.",
  })
  async restoreProfilePicture(
    @Arg("mediaId", () => ID, { description: "The picture's id, as it was before." }) mediaId: string,
    @Ctx() context: RequestContext,
  ): Promise<ProfilePicturePayload> {
    const { services } = context;
    const ownId = requireUser(context);
    const { user, media } = await services.profilePictures.restore(ownId, parseId(mediaId, "media"));
    forgetLoaded(context);
    return {
      success: true,
      message: RESTORED_MESSAGE,
      user: toUserType(user),
      media: toMediaType(media, services.urls),
    };
  }
}
