// The mutations that upload, delete and restore the signed-in user's profile picture.
import { Arg, Ctx, Directive, ID, Mutation, Resolver } from "type-graphql";

import { pictureOwner, requireActor } from "../auth/permissions.ts";
import { parseId } from "../domain/ids.ts";
import { checkCrop, type PictureFilter as PictureFilterName } from "../domain/look.ts";
import { DELETED_MESSAGE, RESTORED_MESSAGE, UPDATED_MESSAGE } from "../services/profile-picture-service.ts";
import { forgetLoaded, type RequestContext } from "./context.ts";
import { readFileUpload, UploadScalar } from "./file-upload.ts";
import { CropInput } from "./media.type.ts";
import { PictureFilter } from "./picture-enums.ts";
import { ProfilePicturePayload } from "./profile-picture.type.ts";
import { toMediaType, toUserType } from "./to-type.ts";
import type { IncomingUpload } from "./upload-form.ts";

const ownerDescription =
  "The owner of the picture. The default is the signed-in user. The id of another user fails with FORBIDDEN.";

@Resolver()
export class ProfilePictureResolver {
  @Mutation(() => ProfilePicturePayload, {
    description:
      "Replaces the signed-in user's profile picture with a JPG, PNG or GIF of up to 800 KB (819,200 bytes). " +
      "Removes metadata such as the place where the photo was taken. Hides the previous picture, which can be " +
      "restored until its retention time ends (default: 30 days). Needs a token.",
  })
  @Directive("@rateLimit(limit: 5, duration: 60)")
  async uploadProfilePicture(
    @Arg("file", () => UploadScalar, {
      description: "The file, sent according to the GraphQL multipart request specification.",
    })
    upload: Promise<IncomingUpload>,
    @Arg("userId", () => ID, { nullable: true, description: ownerDescription }) userId: string | null,
    @Arg("crop", () => CropInput, {
      nullable: true,
      description:
        "The part that squares and the thumbnail show. The default is the most eye-catching part for squares, and " +
        "the middle for the thumbnail and for animated squares.",
    })
    crop: CropInput | null,
    @Arg("filter", () => PictureFilter, {
      nullable: true,
      description: "Filter for squares and the thumbnail.",
    })
    filter: PictureFilterName | null,
    @Ctx() context: RequestContext,
  ): Promise<ProfilePicturePayload> {
    const { services } = context;
    const ownId = pictureOwner(requireActor(context.actor), userId);
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
      "Hides the signed-in user's picture at once. The picture can be restored until its retention time ends " +
      "(default: 30 days), and is then deleted. Fails with NO_PROFILE_PICTURE if there is none. Needs a token.",
  })
  async deleteProfilePicture(
    @Arg("userId", () => ID, { nullable: true, description: ownerDescription }) userId: string | null,
    @Ctx() context: RequestContext,
  ): Promise<ProfilePicturePayload> {
    const user = await context.services.profilePictures.delete(
      pictureOwner(requireActor(context.actor), userId),
    );
    forgetLoaded(context);
    return { success: true, message: DELETED_MESSAGE, user: toUserType(user), media: null };
  }

  @Mutation(() => ProfilePicturePayload, {
    description:
      "Makes a deleted or replaced picture of the signed-in user current again, if its retention time has not ended. " +
      "Hides the current picture, which can then be restored as well. Fails with MEDIA_NOT_FOUND if the picture " +
      "cannot be restored. Needs a token.",
  })
  async restoreProfilePicture(
    @Arg("mediaId", () => ID, { description: "The id of the deleted or replaced picture." }) mediaId: string,
    @Ctx() context: RequestContext,
  ): Promise<ProfilePicturePayload> {
    const { services } = context;
    const ownId = requireActor(context.actor).id;
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
